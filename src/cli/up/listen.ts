// `--listen HOST:PORT`. Pure.
import { CommandFailure } from '../failure.ts';

export type Listen = { readonly host: string; readonly port: number };

/** Port 0 picks a free one. `[::1]:8443` for IPv6. */
export function parseListen(text: string): Listen {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || port > 65_535) {
    throw new CommandFailure(`--listen ${text}: expected HOST:PORT, e.g. 127.0.0.1:8443`);
  }
  return { host, port };
}
