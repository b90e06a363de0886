// The name rule that Microsoft.Network's types share (Azure resource naming rules).

export const NETWORK_NAME = {
  accepts: (name: string) => /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?$/.test(name),
  rule: "1 to 80 letters, digits, '_', '.' and '-', beginning with a letter or digit",
} as const;
