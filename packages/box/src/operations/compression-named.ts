/** The compression that the name of a file to be written asks for: by `.gz`, `.tgz`, `.zst`, `.tzst`. */
export function compressionNamed(file: string | undefined): 'none' | 'gzip' | 'zstd' {
  if (/\.(?:gz|tgz)$/.test(file ?? '')) return 'gzip';
  return /\.t?zst$/.test(file ?? '') ? 'zstd' : 'none';
}
