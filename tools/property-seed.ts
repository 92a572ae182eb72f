import * as fc from 'fast-check';

/**
 * Property tests draw the same cases in every run, so that a run says something of the change and not of luck.
 * BOX_SEED=N draws others: what it finds goes into a test of its own.
 */
fc.configureGlobal({ seed: Number(process.env['BOX_SEED'] ?? 1) });
