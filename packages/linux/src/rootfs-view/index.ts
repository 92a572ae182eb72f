export { viewRootfs, type FoundFile, type RootfsView } from './rootfs-view.ts';
