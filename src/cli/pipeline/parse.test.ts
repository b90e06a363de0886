import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parsePipeline } from './parse.ts';

const GOOD = `name: shop
location: southeastasia
image:
  base: debian-12
fleet:
  instances: 5
  port: 8080
  health: { path: /healthz, interval: 5s, probes: 2 }
`;

function problem(text: string): string {
  try {
    parsePipeline(text, 'rollset.yaml');
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'no problem';
}

test('a small file is enough, and the rest has defaults', () => {
  const pipeline = parsePipeline(GOOD, 'rollset.yaml');
  expect(pipeline.app.source).toBe('.');
  expect(pipeline.fleet).toMatchObject({
    vmSize: 'Standard_B1s',
    dataDisks: [],
    health: { interval: 5000 },
  });
  expect(pipeline.rollout).toEqual({ healthTimeout: 300_000, drain: 30_000, rollback: true });
});

test('the example of the project is a good file', async () => {
  const text = await readFile('examples/guestbook/rollset.yaml', 'utf8');
  const pipeline = parsePipeline(text, 'rollset.yaml');
  expect(pipeline.rollout).toMatchObject({ batch: 20, pause: 0, healthTimeout: 20_000 });
  expect(pipeline.fleet.dataDisks).toEqual([{ lun: 0, size: 1024, mount: '/var/lib/guestbook' }]);
  expect(pipeline.targets.local).toEqual({ memory: 256 });
});

test.each([
  ['broken YAML', 'name: [a\nlocation: b\n', /^rollset\.yaml:\d+: /],
  ['an empty file', '', /^rollset\.yaml is empty/],
  [
    'an unknown key, with a suggestion',
    GOOD.replace('probes: 2', 'probe: 2'),
    'rollset.yaml:8: unknown key fleet.health.probe: did you mean probes?',
  ],
  [
    'an unknown key that resembles nothing',
    `${GOOD}colour: red\n`,
    'rollset.yaml:9: unknown key colour: known here: name, location, app, image, fleet, rollout, targets',
  ],
  [
    'an unknown key in a step',
    GOOD.replace('debian-12', 'debian-12\n  customize:\n    - shell: { scriptfile: a.sh }'),
    'rollset.yaml:6: image.customize[0].shell.scriptFile is missing: expected text\nrollset.yaml:6: unknown key image.customize[0].shell.scriptfile: did you mean scriptFile?',
  ],
  [
    'a number without its unit',
    GOOD.replace('5s', '5'),
    'rollset.yaml:8: fleet.health.interval: 5 has no unit: write a duration in ms, s, m or h, e.g. 5s',
  ],
  [
    'a unit of another system',
    `${GOOD}  dataDisks: [{ lun: 0, size: 1GB }]\n`,
    'rollset.yaml:9: fleet.dataDisks[0].size: "1GB" has the unit "GB", which is not known here: write 1GiB',
  ],
  [
    'a share without %',
    `${GOOD}rollout:\n  batch: 20\n`,
    'rollset.yaml:10: rollout.batch: 20 has no unit: write a percentage, e.g. 20%',
  ],
  [
    'out of range',
    `${GOOD}rollout:\n  healthTimeout: 3h\n`,
    'rollset.yaml:10: rollout.healthTimeout: 3h is out of range: 5s to 2h are allowed',
  ],
  [
    'autoscale',
    GOOD.replace('instances: 5', 'instances: { min: 3, max: 10 }'),
    'rollset.yaml:6: fleet.instances: { min, max, … } (autoscale) is not evaluated yet: give a number of instances',
  ],
  [
    'keys that come later',
    `${GOOD}  scaleOut: cpu > 70 %\nrollout: { canary: 1 }\n`,
    'rollset.yaml:9: fleet.scaleOut is not evaluated yet (autoscale rules come later): remove it\nrollset.yaml:10: rollout.canary is not evaluated yet (canary roll-outs come later): remove it',
  ],
  [
    'a missing part',
    'name: shop\nlocation: here\nimage: { base: debian-12 }\n',
    'rollset.yaml:1: fleet is missing: expected a mapping of keys',
  ],
  [
    'two disks in one place',
    `${GOOD}  dataDisks:\n    - { lun: 0, size: 1GiB }\n    - { lun: 0, size: 2GiB }\n`,
    'rollset.yaml:11: fleet.dataDisks[1].lun: 0 is taken by fleet.dataDisks[0] already',
  ],
  [
    'a batch that its own limit forbids',
    `${GOOD}rollout: { batch: 40%, maxUnhealthy: 20% }\n`,
    'rollset.yaml:9: rollout.batch: 40% is more than rollout.maxUnhealthy 20%, so every batch would stop the roll-out',
  ],
  [
    'a Windows customizer',
    GOOD.replace('debian-12', 'debian-12\n  customize:\n    - type: WindowsUpdate'),
    'rollset.yaml:6: image.customize[0]: type: WindowsUpdate is for Windows guests, which are not supported: use Shell or File',
  ],
  [
    'the wrong kind of value',
    GOOD.replace('5s, probes: 2', '5s, probes: two'),
    'rollset.yaml:8: fleet.health.probes: expected a number, found text',
  ],
  [
    'a bad environment name',
    `${GOOD}  environment: { my-name: x }\n`,
    'rollset.yaml:9: fleet.environment.my-name is not a name of an environment variable',
  ],
  [
    'a list where text or a list of text belongs',
    GOOD.replace('debian-12', 'debian-12\n  customize:\n    - shell: 5'),
    'rollset.yaml:6: image.customize[0].shell: expected text or a list or a mapping of keys',
  ],
])('%s is told with file, line and field', (_what, text, expected) => {
  const told = problem(text);
  if (typeof expected === 'string') expect(told).toBe(expected);
  else expect(told).toMatch(expected);
});
