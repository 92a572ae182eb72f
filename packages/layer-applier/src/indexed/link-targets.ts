import type { BytePath } from '../byte-path.ts';
import { entryTypes, field, recordFlag } from '../layer-index/index-format.ts';
import { rawRecords, recordLink, recordPath } from '../layer-index/read-index.ts';
import { grown } from './grown.ts';
import { noRecord } from './image-nodes.ts';
import { NameTable } from './name-table.ts';

/** Which records of a layer its own hardlinks lead to: some 30 bytes for each path that is linked to. */
export class LinkTargets {
  readonly #paths = new NameTable();
  #ordinals = new Uint32Array(16);

  /** Reads the index twice. */
  constructor(index: string) {
    for (const record of rawRecords(index)) {
      if (entryTypes[record[field.type] ?? 0] !== 'hardlink') continue;
      const link = recordLink(record);
      if (this.#paths.find(0, link) < 0) this.#paths.add(0, link);
    }
    this.#ordinals = grown(this.#ordinals, this.#paths.size).fill(noRecord);
    let ordinal = -1;
    for (const record of rawRecords(index)) {
      ordinal += 1;
      const type = entryTypes[record[field.type] ?? 0];
      if (((record[field.flags] ?? 0) & recordFlag.implied) !== 0) break;
      if (type === 'directory' || type === 'whiteout' || type === 'opaque') continue;
      const known = this.#paths.find(0, recordPath(record));
      if (known >= 0) this.#ordinals[known] = ordinal;
    }
  }

  /** The record at a path that a hardlink leads to; `noRecord` when the layer has none. */
  find(path: BytePath): number {
    const known = this.#paths.find(0, path);
    return known < 0 ? noRecord : (this.#ordinals[known] ?? noRecord);
  }
}
