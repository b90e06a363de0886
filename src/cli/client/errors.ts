// What can go wrong between the command line and a control plane.
import { CommandFailure, EXIT } from '../failure.ts';

/** The service refused, in ARM's own words. */
export class ArmRequestError extends CommandFailure {
  readonly code: string;
  /** HTTP status; that of a failed operation is 200. */
  readonly status: number;

  constructor(error: { code: string; message: string; status: number }) {
    super(`${error.message} (${error.code})`);
    this.code = error.code;
    this.status = error.status;
  }
}

/** No answer, though there had been some or should be: what was asked may or may not be done. */
export class ContactLost extends CommandFailure {
  constructor(message: string, cause: unknown) {
    super(message, { exitCode: EXIT.failed, cause });
  }
}
