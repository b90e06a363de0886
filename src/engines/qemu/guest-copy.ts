// Copies a host file into a guest through its own virtio port, checked by its SHA-256.
import { createReadStream } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { EngineError } from '../engine.ts';
import { digestOfFile, fileSize } from './files.ts';
import { type ExecPorts, execInGuest } from './guest-exec.ts';

/** A guest under emulation takes about 15 MB/s; a busy host a tenth of it. */
const BASE_TIMEOUT_MS = 60_000;
const SLOWEST_BYTES_PER_MS = 1_000;

export async function copyIntoGuest(
  ports: ExecPorts,
  copySocket: string,
  hostPath: string,
  guestPath: string,
  options: { mode: number; user?: string },
): Promise<void> {
  const what = `cannot copy ${hostPath} to ${guestPath} in the VM`;
  const size = await fileSize(hostPath);
  if (size === undefined) throw new EngineError(`${what}: there is no such file on the host`);
  const digest = (await digestOfFile(hostPath)).slice('sha256:'.length);
  const timeoutMs = BASE_TIMEOUT_MS + size / SLOWEST_BYTES_PER_MS;
  const receiving = execInGuest(ports, receiverScript(size, digest, guestPath, options), {
    timeoutMs,
  });
  const stop = new AbortController();
  const sending = sendFile(copySocket, hostPath, size, stop.signal).catch(() => undefined);
  try {
    const result = await receiving;
    if (result.exitCode !== 0)
      throw new EngineError(
        `${what}: ${result.timedOut ? 'no end in time' : result.stderr.trim()}`,
      );
  } finally {
    // The receiver's word counts; a sender that is still at it has nobody left to listen.
    stop.abort();
    await sending;
  }
}

/** Written beside its place first: a copy that was cut short is never taken for the file. */
function receiverScript(
  size: number,
  digest: string,
  guestPath: string,
  options: { mode: number; user?: string },
): string {
  const mode = (options.mode & 0o7777).toString(8).padStart(4, '0');
  const temporary = path.posix.join(
    path.posix.dirname(guestPath),
    `.${path.posix.basename(guestPath)}.incoming`,
  );
  return [
    'set -e',
    `to=${quote(guestPath)} new=${quote(temporary)}`,
    'test -d "${to%/*}/" || { echo "there is no folder ${to%/*}" >&2; exit 1; }',
    size === 0 ? ': >"$new"' : `head -c ${size} </run/rollset/copy >"$new"`,
    `echo "${digest}  $new" | sha256sum -c --status || { rm -f "$new"; echo "the content arrived damaged" >&2; exit 1; }`,
    `chmod ${mode} "$new"`,
    options.user === undefined ? '' : `chown ${quote(options.user)}: "$new"`,
    'mv -f "$new" "$to"',
  ].join('\n');
}

/** The port's other end is read when the receiver has opened it: the socket holds back till then. */
async function sendFile(
  copySocket: string,
  hostPath: string,
  size: number,
  signal: AbortSignal,
): Promise<void> {
  if (size === 0) return;
  const socket = net.connect(copySocket);
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  try {
    await pipeline(createReadStream(hostPath, { highWaterMark: 256 * 1024 }), socket, {
      end: false,
      signal,
    });
    // Closing early would throw away what QEMU has not read yet.
    await closed;
  } finally {
    socket.destroy();
  }
}

export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
