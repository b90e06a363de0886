// `rollset env`: shell exports by which other clients reach the control plane.
import type { CliContext } from '../context.ts';
import { readConnection, readDataConnection } from '../client/find-connection.ts';
import { CommandFailure } from '../failure.ts';
import type { CommonFlags } from '../flags.ts';
import { shellQuote } from '../pipeline/shell-quote.ts';
import { openOutput } from '../session.ts';

type EnvFlags = CommonFlags & { readonly data?: string; readonly connection?: string };

export async function runEnv(context: CliContext, flags: EnvFlags): Promise<void> {
  const connection =
    flags.connection === undefined
      ? await readDataConnection(flags)
      : await readConnection(flags.connection);
  if (connection === undefined) {
    throw new CommandFailure(`--connection ${flags.connection}: there is no such file`);
  }
  const variables: Record<string, string> = {
    ARM_ENDPOINT: connection.endpoint,
    AZURE_SUBSCRIPTION_ID: connection.subscriptionId,
    AZURE_TENANT_ID: connection.tenantId,
    AZURE_CLIENT_ID: connection.clientId,
    AZURE_CLIENT_SECRET: connection.clientSecret,
    NODE_EXTRA_CA_CERTS: connection.caBundle,
    REQUESTS_CA_BUNDLE: connection.caBundle,
  };
  openOutput(flags, context).result(variables, [
    '# The bearer token is AZURE_CLIENT_SECRET itself: there is no sign-in yet, so give it to a client as',
    '# its token: curl --cacert "$REQUESTS_CA_BUNDLE" -H "Authorization: Bearer $AZURE_CLIENT_SECRET" "$ARM_ENDPOINT/subscriptions?api-version=2022-12-01"',
    '# REQUESTS_CA_BUNDLE replaces what Python clients of this shell trust; NODE_EXTRA_CA_CERTS adds to Node.',
    ...Object.entries(variables).map(([key, value]) => `export ${key}=${shellQuote(value)}`),
  ]);
}
