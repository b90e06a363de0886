// Whether a guest can reach the host: listeners on all its addresses, and a guest that tries.
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import os from 'node:os';

export type HostListeners = {
  readonly port: number;
  readonly secret: string;
  /** Of the host, as a guest may know them; the gateway's among them. */
  readonly addresses: readonly string[];
  visits(): readonly string[];
  close(): Promise<void>;
};

/** TCP and UDP on one port of every address of the host, loopback included. */
export async function hostListeners(): Promise<HostListeners> {
  const visits: string[] = [];
  const secret = 'reached-the-host';
  const server = net.createServer((socket) => {
    visits.push(`tcp to ${socket.localAddress}`);
    socket.on('error', () => undefined);
    socket.end(`${secret}\n`);
  });
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const udp = dgram.createSocket('udp4');
  udp.on('message', () => visits.push('udp'));
  udp.bind(port, '0.0.0.0');
  await once(udp, 'listening');
  const own = Object.values(os.networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map((each) => each.address);
  return {
    port,
    secret,
    addresses: ['127.0.0.1', '127.77.0.1', '10.0.2.2', '10.0.2.3', ...own],
    visits: () => visits,
    close: async () => {
      udp.close();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Tries each address by TCP and UDP, and prints what it hears. */
export function reachScript(addresses: readonly string[], port: number): string {
  const tries = addresses.map(
    (address) =>
      `timeout 2 bash -c 'exec 3<>/dev/tcp/${address}/${port} && cat <&3' & ` +
      `timeout 2 bash -c 'echo hello >/dev/udp/${address}/${port}' &`,
  );
  return `exec 2>/dev/null\n${tries.join('\n')}\nwait; true`;
}

/** Makes the guest send packets for 127.0.0.0/8 out of its network card instead of to itself. */
export const PACKETS_BY_HAND = `
ip route replace default via 10.0.2.2 dev eth0
for i in all eth0 lo; do echo 1 >/proc/sys/net/ipv4/conf/$i/route_localnet; done
ip addr del 127.0.0.1/8 dev lo
ip route flush table local 127.0.0.0/8 2>/dev/null
ip route del local 127.0.0.0/8 dev lo table local 2>/dev/null
ip route add 127.0.0.0/8 via 10.0.2.2 dev eth0 src 10.0.2.15
ip route get 127.0.0.1 | grep -q 'via 10.0.2.2 dev eth0'
`;
