// One ARM request as a value, and the api-version of each kind of resource. Pure.
import type { JsonObject } from '../../model/resource.ts';

export type ArmRequest = {
  readonly method: 'PUT' | 'POST';
  /** A resource id, or an action on one. */
  readonly path: string;
  readonly apiVersion: string;
  readonly body?: JsonObject;
};

export const API_VERSIONS = {
  resources: '2021-04-01',
  storage: '2023-05-01',
  gallery: '2023-07-03',
  network: '2023-11-01',
  imageTemplate: '2024-02-01',
  compute: '2024-07-01',
  /** Ours; one so far. */
  fleet: '2026-01-01',
} as const;

export function put(path: string, apiVersion: string, body: JsonObject): ArmRequest {
  return { method: 'PUT', path, apiVersion, body };
}

export function post(path: string, apiVersion: string, body?: JsonObject): ArmRequest {
  return { method: 'POST', path, apiVersion, ...(body === undefined ? {} : { body }) };
}
