import { readdirSync } from 'node:fs';
import type { BytePath } from '../byte-path.ts';
import { PackFailure } from './pack-failure.ts';

/** The names in directories that lie upon each other, sorted by their bytes; what a whiteout hides is among them. */
export function mergedNames(merged: readonly string[]): readonly string[] {
  try {
    const names = merged.map((path) => readdirSync(Buffer.from(path, 'latin1'), 'latin1'));
    return merged.length === 1 ? (names[0] ?? []).toSorted() : [...new Set(names.flat())].toSorted();
  } catch (error) {
    throw PackFailure.of((merged[0] ?? '') as BytePath, error);
  }
}
