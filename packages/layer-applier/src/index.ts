export * from './byte-path.ts';
export * from './staged-layer.ts';
export * from './extract/budgets.ts';
export * from './extract/extract-layer.ts';
export * from './layer-index/layer-entry.ts';
export * from './layer-index/read-index.ts';
