// Takes the ELF kernel out of a packaged bzImage: QEMU starts it without the BIOS boot sector and
// without unpacking it under emulation. Pure.
import { EngineError } from '../engine.ts';

const BZIMAGE_MAGIC = 'HdrS';
const LZ4_LEGACY_MAGIC = 0x184c2102;
/** Fixed by the legacy frame format of the lz4 tool, which the kernel build uses. */
const LZ4_LEGACY_BLOCK_BYTES = 8 * 1024 * 1024;

/** Understands LZ4 payloads (Debian's cloud kernels). Others boot as the bzImage they are. */
export function elfKernelOf(bzImage: Buffer): Buffer {
  if (bzImage.subarray(0x202, 0x206).toString('latin1') !== BZIMAGE_MAGIC)
    throw new EngineError('the kernel in the image is not a bzImage: use a Debian cloud kernel');
  const setupSectors = bzImage[0x1f1] || 4;
  const payloadAt = (setupSectors + 1) * 512 + bzImage.readUInt32LE(0x248);
  const payload = bzImage.subarray(payloadAt, payloadAt + bzImage.readUInt32LE(0x24c));
  if (payload.length < 8 || payload.readUInt32LE(0) !== LZ4_LEGACY_MAGIC) return bzImage;
  const elf = unpackLegacyLz4(payload);
  if (elf.subarray(1, 4).toString('latin1') !== 'ELF')
    throw new EngineError('the payload of the kernel in the image is not an ELF file');
  return elf;
}

function unpackLegacyLz4(payload: Buffer): Buffer {
  const blocks: Buffer[] = [];
  let at = 4;
  while (at + 4 <= payload.length) {
    const length = payload.readUInt32LE(at);
    at += 4;
    // What follows the last block is the unpacked size, which is longer than what is left.
    if (length === 0 || at + length > payload.length) break;
    blocks.push(unpackLz4Block(payload.subarray(at, at + length)));
    at += length;
  }
  return Buffer.concat(blocks);
}

function unpackLz4Block(block: Buffer): Buffer {
  const out = Buffer.allocUnsafe(LZ4_LEGACY_BLOCK_BYTES);
  let from = 0;
  let to = 0;
  const lengthOf = (nibble: number): number => {
    let length = nibble;
    if (nibble !== 15) return length;
    for (;;) {
      const more = block[from++] ?? 0;
      length += more;
      if (more !== 255) return length;
    }
  };
  while (from < block.length) {
    const token = block[from++] ?? 0;
    const literals = lengthOf(token >> 4);
    block.copy(out, to, from, from + literals);
    from += literals;
    to += literals;
    if (from >= block.length) break;
    const distance = block.readUInt16LE(from);
    from += 2;
    const length = lengthOf(token & 15) + 4;
    to = copyMatch(out, to, distance, length);
  }
  return out.subarray(0, to);
}

/** A match may overlap what it writes; then it repeats the bytes before it. */
function copyMatch(out: Buffer, to: number, distance: number, length: number): number {
  if (distance === 0 || distance > to || to + length > out.length)
    throw new EngineError('the packed kernel in the image is damaged');
  if (distance >= length) out.copy(out, to, to - distance, to - distance + length);
  else for (let i = to; i < to + length; i++) out[i] = out[i - distance] ?? 0;
  return to + length;
}
