// The commands and their order in --help. Implementations are loaded when run.
import { buildApplication, buildRouteMap } from '@stricli/core';
import type { Application } from '@stricli/core';
import type { CliContext } from './context.ts';
import { errorTexts } from './error-texts.ts';
import { exitCodeOf } from './failure.ts';
import { down, env, init, up } from './routes/control-plane.ts';
import { consoleLog, exec, history, logs, status, versions, watch } from './routes/fleet.ts';
import { bake, ship } from './routes/ship.ts';

const root = buildRouteMap({
  routes: {
    init,
    up,
    ship,
    bake,
    status,
    watch,
    history,
    versions,
    logs,
    console: consoleLog,
    exec,
    env,
    down,
  },
  docs: {
    brief: 'Ship every version of an app as a VM image, and let the fleet upgrade itself.',
    fullDescription: `Ship every version of an app as a VM image, and let the fleet upgrade itself.

  rollset init          write a first rollset.yaml
  rollset up --detach   start the control plane
  rollset ship          bake, publish, roll out`,
  },
});

/** `debug`: errors with their stacks. */
export function buildApp(options: { version: string; debug: boolean }): Application<CliContext> {
  return buildApplication(root, {
    name: 'rollset',
    versionInfo: { currentVersion: options.version },
    scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
    documentation: { caseStyle: 'convert-camel-to-kebab', onlyRequiredInUsageLine: true },
    determineExitCode: exitCodeOf,
    localization: { text: errorTexts(options.debug) },
  });
}
