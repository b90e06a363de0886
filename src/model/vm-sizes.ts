// Azure VM sizes we give their vCPUs and memory. Source: Azure's published size tables.

export type VmSize = { readonly vCPUs: number; readonly memoryMib: number };

export const VM_SIZES: Readonly<Record<string, VmSize>> = {
  Standard_B1ls: { vCPUs: 1, memoryMib: 512 },
  Standard_B1s: { vCPUs: 1, memoryMib: 1024 },
  Standard_B1ms: { vCPUs: 1, memoryMib: 2048 },
  Standard_B2s: { vCPUs: 2, memoryMib: 4096 },
  Standard_B2ms: { vCPUs: 2, memoryMib: 8192 },
  Standard_B4ms: { vCPUs: 4, memoryMib: 16384 },
  Standard_A1_v2: { vCPUs: 1, memoryMib: 2048 },
  Standard_A2_v2: { vCPUs: 2, memoryMib: 4096 },
  Standard_D1_v2: { vCPUs: 1, memoryMib: 3584 },
  Standard_D2_v2: { vCPUs: 2, memoryMib: 7168 },
  Standard_DS1_v2: { vCPUs: 1, memoryMib: 3584 },
  Standard_DS2_v2: { vCPUs: 2, memoryMib: 7168 },
  Standard_D2s_v3: { vCPUs: 2, memoryMib: 8192 },
  Standard_D4s_v3: { vCPUs: 4, memoryMib: 16384 },
  Standard_D2s_v5: { vCPUs: 2, memoryMib: 8192 },
  Standard_D4s_v5: { vCPUs: 4, memoryMib: 16384 },
  Standard_D2ds_v4: { vCPUs: 2, memoryMib: 8192 },
  Standard_F2s_v2: { vCPUs: 2, memoryMib: 4096 },
  Standard_F4s_v2: { vCPUs: 4, memoryMib: 8192 },
};

/** Finds a size without regard to case, as Azure does. */
export function findVmSize(name: string): VmSize | undefined {
  const wanted = name.toLowerCase();
  return Object.entries(VM_SIZES).find(([key]) => key.toLowerCase() === wanted)?.[1];
}
