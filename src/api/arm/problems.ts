// Collects what is wrong with a body, so that one reply names all of it.
import type { ArmErrorBody } from '../../model/resource.ts';
import { ArmError } from './arm-error.ts';

/** More than this many are counted, not listed: a reply stays readable. */
const MAX_LISTED = 50;

export class Problems {
  readonly #errors: ArmError[] = [];

  /** `target` is the path in the body, e.g. `properties.upgradePolicy.mode`. */
  add(target: string, message: string, code = 'InvalidParameter', status = 400): void {
    this.#errors.push(new ArmError(status, code, message, { target }));
  }

  has(target: string): boolean {
    return this.#errors.some((error) => error.target === target);
  }

  /** The first problem gives status and code, as clients match on them; details list every one. */
  throwIfAny(): void {
    const [first] = this.#errors;
    if (first === undefined) return;
    const others = this.#errors.length - 1;
    const message =
      others === 0
        ? first.message
        : `${first.message} (${others} more problem${others === 1 ? '' : 's'} in details)`;
    const details = this.#errors.slice(0, MAX_LISTED).map((error): ArmErrorBody => error.toBody());
    throw new ArmError(first.status, first.code, message, {
      ...(first.target === undefined ? {} : { target: first.target }),
      ...(others === 0 ? {} : { details }),
    });
  }
}
