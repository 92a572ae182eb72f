// By itself, so that a pull loads nothing of the stages that it does not reach.
export { readManifest } from '@boxkit/manifest';
