import { createRegistry } from '@boxkit/core';
import { withBuiltIns } from './built-in.ts';
import { createStages } from './stages.ts';

const standard = createStages(withBuiltIns(createRegistry()));

/** The stage `fetch` with the built-in sources: a reference in, its root document and a reader of its blobs out. */
export const fetch = standard.fetch;
/** The stage `manifest`: from the root document to one image for one platform. */
export const readManifest = standard.readManifest;
/** The stage `apply` with the built-in rootfs drivers: an image in, a rootfs out. */
export const apply = standard.apply;
/** The stage `isolate` with the built-in backends: a rootfs in, a launch plan out. */
export const isolate = standard.isolate;
/** The stage `launch`: a launch plan in, a running container out. */
export const launch = standard.launch;
