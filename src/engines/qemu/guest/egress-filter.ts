// The program that stands between a VM with outbound network and passt. Text only: it runs as a
// process of its own, because it must live as long as the VM and not as long as we do.
//
// passt connects to whatever address a packet names. A guest's root can send packets to 127.0.0.1
// by hand, and passt would then connect to the host's own loopback (seen with passt of Debian 12,
// `--no-map-gw` included). So every packet's target is looked at here: nothing for the host itself
// goes through, and nothing that is not IPv4 or ARP.

/**
 * Run as `node -e EGRESS_FILTER <listen on> <connect to> <passt> …`: both unix sockets, and the
 * command that listens on the second. Frames come as QEMU's stream netdev sends them: four bytes of
 * length, then the Ethernet frame. All of it ends when the VM disconnects or does not come.
 */
export const EGRESS_FILTER = `
const { spawn } = require('node:child_process');
const net = require('node:net');
const os = require('node:os');
const [listenOn, connectTo, ...command] = process.argv.slice(1);
const passt = spawn(command[0], command.slice(1), { stdio: ['ignore', 'inherit', 'inherit'] });
const end = (code) => {
  passt.kill('SIGKILL');
  process.exit(code);
};
passt.on('error', (error) => {
  console.error(command[0] + ': ' + error.message);
  end(1);
});
passt.on('exit', (code) => end(code === 0 ? 0 : 1));
process.on('SIGTERM', () => end(0));
let own = new Set();
const look = () => {
  const all = Object.values(os.networkInterfaces()).flat();
  own = new Set(all.filter((a) => a.family === 'IPv4').map((a) => a.address));
};
look();
setInterval(look, 5000).unref();
// offset 12: type; IPv4's target stands at offset 14 + 16.
const allowed = (frames, at, length) => {
  if (length < 34) return length >= 14 && frames.readUInt16BE(at + 12) === 0x0806;
  const type = frames.readUInt16BE(at + 12);
  if (type === 0x0806) return true;
  if (type !== 0x0800) return false;
  const [a, b, c, d] = frames.subarray(at + 30, at + 34);
  if (a === 0 || a === 127 || a >= 224) return false;
  return !own.has(a + '.' + b + '.' + c + '.' + d);
};
const MAX_FRAME = 128 * 1024;
const filter = (send) => {
  let left = Buffer.alloc(0);
  return (chunk) => {
    const frames = left.length === 0 ? chunk : Buffer.concat([left, chunk]);
    let at = 0;
    let from = 0;
    while (at + 4 <= frames.length) {
      const length = frames.readUInt32BE(at);
      if (length > MAX_FRAME) end(1);
      if (at + 4 + length > frames.length) break;
      if (!allowed(frames, at + 4, length)) {
        if (from < at) send(frames.subarray(from, at));
        from = at + 4 + length;
      }
      at += 4 + length;
    }
    if (from < at) send(frames.subarray(from, at));
    left = Buffer.from(frames.subarray(at));
  };
};
const serve = (outside) => {
  const alone = setTimeout(() => end(0), 60000);
  const server = net.createServer((vm) => {
    clearTimeout(alone);
    server.close();
    for (const socket of [vm, outside]) {
      socket.on('error', () => end(0));
      socket.on('close', () => end(0));
    }
    const take = filter((frames) => {
      if (!outside.write(frames)) vm.pause();
    });
    outside.on('drain', () => vm.resume());
    vm.on('data', take);
    outside.pipe(vm);
  });
  server.listen(listenOn);
};
const connect = () => {
  const outside = net.connect(connectTo);
  outside.once('connect', () => {
    outside.removeAllListeners('error');
    outside.on('error', () => end(0));
    serve(outside);
  });
  outside.once('error', () => setTimeout(connect, 5));
};
connect();
`;
