import type { BoxEvent } from '@boxkit/contracts';
import type { ContainerFiles, PackContainerOptions } from '@boxkit/layer-applier';
import type { FailureData } from '../supervisor-protocol.ts';
import type { ChangedTree } from './tree-changes.ts';

/**
 * What is done with a container's files in a process of its own, which sees them as the container's root does. Paths in
 * the container are absolute inside, those of the host absolute; both are text.
 */
export type FilesJob =
  /** Writes a TreeChange a line. */
  | { readonly do: 'changes'; readonly tree: ChangedTree }
  | { readonly do: 'copy-out'; readonly source: string; readonly target: string; readonly options: CopyRules }
  | { readonly do: 'copy-in'; readonly source: string; readonly target: string; readonly options: CopyRules }
  /** Writes a tar of a file or directory. */
  | { readonly do: 'pack'; readonly source: string; readonly options: CopyRules }
  /** Writes a tar of what the container changed of its image, or of all its files. */
  | { readonly do: 'layer'; readonly files: ContainerFiles; readonly what: PackContainerOptions['what'] }
  /** Reads an uncompressed tar, and puts what it holds into a directory. */
  | { readonly do: 'unpack'; readonly target: string; readonly options: CopyRules };

export interface CopyRules {
  /** Copy what a symlink at the end of the source's path leads to. */
  readonly followLink?: boolean;
  /** Keep the owners, by the container's ids, instead of giving everything to the caller, or to root inside. */
  readonly archive?: boolean;
}

/** A line of JSON on the process's standard error. */
export type FilesReport = { readonly event: BoxEvent } | { readonly error: FailureData };
