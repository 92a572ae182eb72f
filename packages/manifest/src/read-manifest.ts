import type {
  Descriptor,
  FetchedImage,
  Image,
  ImageConfig,
  Layer,
  Platform,
  Stage,
  StageContext,
} from '@boxkit/contracts';
import { chainIds } from './chain-id.ts';
import { formatPlatform, hostPlatform } from './platform.ts';
import { matchPlatform } from './platform-match.ts';
import { readStoredImage } from './stored-image.ts';

export interface ReadManifestOptions {
  /** Overrides what the fetched image asks for; this machine's platform when neither says. */
  readonly platform?: Platform;
}

/**
 * The stage `manifest`: walks from the root descriptor over indexes and manifest to the configuration. Throws
 * ERR_BOX_DOCUMENT_INVALID, ERR_BOX_DOCUMENT_UNSUPPORTED and ERR_BOX_PLATFORM_MISSING, and what the reader throws.
 */
export function readManifest(options: ReadManifestOptions = {}): Stage<FetchedImage, Image> {
  return {
    name: 'manifest',
    async run(input, context) {
      const asked = options.platform ?? input.platform;
      const stored = await readStoredImage(input, asked, context);
      if (stored !== undefined) return stored;
      return await readImage(input, asked, context);
    },
  };
}

async function readImage(input: FetchedImage, asked: Platform | undefined, context: StageContext): Promise<Image> {
  // Loaded here and not above: the schemas take longer to load than a stored image takes to start.
  const [{ chooseManifest, platformMissing }, { parseImageConfig, requireImage, requireMatchingLayers }] =
    await Promise.all([import('./choose-manifest.ts'), import('./document.ts')]);
  const { blobs, reference } = input;
  const name = reference.text;
  const wanted = asked ?? hostPlatform();
  const { signal } = context;
  const chosen = await chooseManifest(input.descriptor, { blobs, platform: wanted, signal, name });
  requireImage(chosen.manifest, name);
  const config = chosen.manifest.config as Descriptor;
  const imageConfig = parseImageConfig(await blobs.read(config, { signal }), `the configuration of ${name}`);
  const layers = chosen.manifest.layers as readonly Descriptor[];
  requireMatchingLayers(layers, imageConfig, name);
  const platform = platformOf(imageConfig);
  if (matchPlatform(wanted, platform) === undefined && platform.architecture !== '') {
    if (asked !== undefined) throw platformMissing(name, asked, [platform]);
    context.emit(foreignPlatform(name, platform));
  }
  return {
    reference,
    root: input.descriptor,
    manifest: chosen.descriptor,
    config,
    platform,
    layers: joinLayers(layers, imageConfig),
    imageConfig,
    blobs,
    documents: chosen.documents,
    requested: wanted,
  };
}

/** The platform that a configuration says it is for. */
export function platformOf(config: ImageConfig): Platform {
  const { os, architecture, variant } = config;
  const version = config['os.version'];
  return {
    os,
    architecture,
    ...(variant === undefined || variant === '' ? {} : { variant }),
    ...(version === undefined ? {} : { 'os.version': version }),
  };
}

function joinLayers(descriptors: readonly Descriptor[], config: ImageConfig): Layer[] {
  const chain = chainIds(config.rootfs.diff_ids);
  return descriptors.flatMap((descriptor, index) => {
    const diffId = config.rootfs.diff_ids[index];
    const chainId = chain[index];
    return diffId === undefined || chainId === undefined ? [] : [{ descriptor, diffId, chainId }];
  });
}

function foreignPlatform(name: string, platform: Platform): { type: 'warning'; code: string; message: string } {
  const [image, machine] = [formatPlatform(platform), formatPlatform(hostPlatform())];
  return {
    type: 'warning',
    code: 'platform-foreign',
    message: `${name} is for ${image} only, and this machine is ${machine}`,
  };
}
