// What a warm run needs of the packages of the last stages. Not the whole of the layer-applier, which has the extraction
// engine in it: that is loaded when a layer is missing.
export { isolate } from '@boxkit/isolator';
export { launch } from '@boxkit/launcher';
export { apply } from '@boxkit/layer-applier/apply';
