export * from '@boxkit/contracts';
export { createContext, defineStage, pipeline } from '@boxkit/core';
export type { Context } from '@boxkit/core';
export { defaultHome, openStore } from '@boxkit/store';
export type { DiskStore, FsckProblem, FsckResult, PrunedItem, PruneResult } from '@boxkit/store';
export { formatPlatform, hostPlatform, parsePlatform, parseReference } from '@boxkit/manifest';
export { budgetNames, defaultConfigPath, readConfig } from './config.ts';
export type { BoxConfig } from './config.ts';
export { createBox } from './create-box.ts';
export { rawTerminal } from '@boxkit/launcher';
export type { Box, BoxOptions } from './box.ts';
export type { ConfigChanges, Healthcheck, MapChanges, SetChanges } from '@boxkit/manifest/edit';
export type { LayerSource } from './operations/make/append.ts';
export type { ImageLayer, LayerFile, OpenedImage } from './operations/make/opened-image.ts';
export type {
  AppendOptions,
  BoxRunOptions,
  Cancellable,
  FsckOptions,
  ConfigureOptions,
  Diagnosis,
  DirectoryRunOptions,
  FlattenOptions,
  Inspection,
  LoginOptions,
  MakeOptions,
  PlanOptions,
  ProcessOptions,
  PruneOptions,
  PullAndKeepOptions,
  PullOptions,
  PullPolicy,
  SavedLogin,
  SquashOptions,
  Stdio,
  UnpackOptions,
} from './options.ts';
export type {
  ApplyDocumentOptions,
  JsonDocument,
  LaunchDocumentOptions,
  Plumbing,
} from './operations/plumbing/plumbing.ts';
export { explain } from './operations/explain/explain-plan.ts';
export { type ErrorExplanation, explainError } from './operations/explain/explain-error.ts';
export type { ExplainedBlob, ExplainedLayer, Explanation } from './operations/explain/explain-run.ts';
export type { ScriptOptions } from './operations/explain/explain-script.ts';
export { formatExplanation } from './operations/explain/format-explanation.ts';
export { scriptBackends, type ScriptBackend } from './operations/explain/run-script.ts';
export { scriptSources, type ScriptSource } from './operations/explain/script-blobs.ts';
export type { ImageComparison } from './operations/look/compare.ts';
export type * from './operations/look/image-look.ts';
export { type ImageAndPath, splitImagePath } from './operations/look/split-path.ts';
export type { CopiedImage, TransferOptions } from './operations/transfer/copy.ts';
export type { LoadedImage, LoadOptions } from './operations/transfer/load.ts';
export type { SaveOptions } from './operations/transfer/save.ts';
export { describePlan } from './operations/plumbing/describe-plan.ts';
export { encodePlanned } from './operations/plumbing/encode.ts';
export type { ApplyStageOptions, FetchStageOptions, LaunchStageOptions, Stages } from './stages.ts';
export { apply, fetch, isolate, launch, readManifest } from './standard-stages.ts';
export type {
  AgainOptions,
  Attachment,
  ContainerChange,
  CopyOptions,
  ContainerProcessInfo,
  Containers,
  ContainerStats,
  ContainerStatus,
  ContainerSummary,
  DetachDirectoryOptions,
  DetachedContainer,
  DetachOptions,
  DetachRunOptions,
  ExecOptions,
  LogLine,
  LogOptions,
  MeasureSource,
  StartStdio,
} from './operations/containers/types.ts';
export type { LayerCreateOptions, LayerOptions } from './operations/make/layer-create.ts';
export type { WrittenFile } from './operations/make/layer-file.ts';
export type { Layers } from './operations/make/layers.ts';
export type { CommitOptions } from './operations/make/commit.ts';
export type { ImportOptions } from './operations/make/import.ts';
