// Which texts of the host must not be in an image: its proxies, which often carry credentials and
// mean nothing elsewhere. Pure.

/** `aptConfiguration`: the output of `apt-config dump`, empty where there is no apt. */
export function hostTraces(
  environment: Readonly<Record<string, string | undefined>>,
  aptConfiguration: string,
): string[] {
  const fromEnvironment = ['http_proxy', 'https_proxy', 'ftp_proxy', 'all_proxy'].flatMap((name) =>
    [environment[name], environment[name.toUpperCase()]].map((value) => value ?? ''),
  );
  const fromApt = [...aptConfiguration.matchAll(/^Acquire::\w+::Proxy\S* "([^"]+)"/gim)].map(
    (match) => match[1] ?? '',
  );
  const traces = [...fromEnvironment, ...fromApt].filter(
    (text) => text !== '' && text.toUpperCase() !== 'DIRECT',
  );
  return [...new Set(traces)];
}
