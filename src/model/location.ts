// Azure compares locations without case and spaces: `West US` is `westus`. Pure.

export function foldLocation(location: string): string {
  return location.replaceAll(' ', '').toLowerCase();
}
