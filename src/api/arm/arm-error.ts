// The caller's errors. Thrown anywhere under `api`, rendered in one place (arm-handler.ts), with
// Azure's codes and, where they are known, Azure's sentences.
import type { ArmErrorBody } from '../../model/resource.ts';

export class ArmError extends Error {
  override readonly name = 'ArmError';
  readonly status: number;
  readonly code: string;
  readonly target: string | undefined;
  readonly details: readonly ArmErrorBody[];

  constructor(
    status: number,
    code: string,
    message: string,
    more: { readonly target?: string; readonly details?: readonly ArmErrorBody[] } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.target = more.target;
    this.details = more.details ?? [];
  }

  /** The `error` member of the reply. */
  toBody(): ArmErrorBody {
    return {
      code: this.code,
      message: this.message,
      ...(this.target === undefined ? {} : { target: this.target }),
      ...(this.details.length === 0 ? {} : { details: this.details }),
    };
  }
}

export function subscriptionNotFound(subscriptionId: string): ArmError {
  return new ArmError(
    404,
    'SubscriptionNotFound',
    `The subscription '${subscriptionId}' could not be found.`,
  );
}

export function resourceGroupNotFound(name: string): ArmError {
  return new ArmError(404, 'ResourceGroupNotFound', `Resource group '${name}' could not be found.`);
}

/** `path` is type and names joined, as `Microsoft.Compute/galleries/g/images/i`. */
export function resourceNotFound(path: string, resourceGroup: string | undefined): ArmError {
  const where = resourceGroup === undefined ? '' : ` under resource group '${resourceGroup}'`;
  return new ArmError(404, 'ResourceNotFound', `The Resource '${path}'${where} was not found.`);
}

export function parentResourceNotFound(path: string): ArmError {
  return new ArmError(
    404,
    'ParentResourceNotFound',
    `Can not perform requested operation on nested resource. Parent resource '${path}' not found.`,
  );
}

export function methodNotAllowed(method: string, what: string, allowed: string[]): ArmError {
  return new ArmError(
    405,
    'MethodNotAllowed',
    `${method} is not allowed on ${what}; allowed: ${allowed.join(', ') || 'nothing'}.`,
  );
}

export function propertyChangeNotAllowed(property: string): ArmError {
  return new ArmError(
    409,
    'PropertyChangeNotAllowed',
    `Changing property '${property}' is not allowed.`,
    { target: property },
  );
}

export function operationNotAllowed(sentence: string): ArmError {
  return new ArmError(409, 'OperationNotAllowed', sentence);
}
