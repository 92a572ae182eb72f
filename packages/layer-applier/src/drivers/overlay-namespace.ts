/** Which of its extended attributes overlayfs reads: `trusted` for root of the machine, `user` for mounts with `userxattr`. */
export type OverlayNamespace = 'trusted' | 'user';
