// The QEMU engine keeps what every engine promises.
import { engineConformance } from '../../src/engines/conformance.ts';
import { qemuHarness } from './harness.ts';

engineConformance('qemu', qemuHarness);
