// What is wrong with a template, with Azure's code for it.

export type ProvisioningErrorCode =
  | 'BadSourceType'
  | 'BadPIRSource'
  | 'BadManagedImageSource'
  | 'BadSharedImageVersionSource'
  | 'BadCustomizerType'
  | 'UnsupportedCustomizerType'
  | 'NoCustomizerScript'
  | 'BadValidatorType'
  | 'UnsupportedValidatorType'
  | 'NoValidatorScript'
  | 'BadDistributeType'
  | 'BadSharedImageDistribute'
  | 'BadStagingResourceGroup'
  | 'ServerError'
  | 'Other';

export class TemplateError extends Error {
  override readonly name = 'TemplateError';
  readonly code: ProvisioningErrorCode;
  constructor(code: ProvisioningErrorCode, sentence: string) {
    super(sentence);
    this.code = code;
  }
}
