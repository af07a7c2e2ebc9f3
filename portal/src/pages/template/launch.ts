/** Where a version is launched. */
export function launchOf(name: string, version?: number): string {
  const reference = version === undefined ? name : `${name}@${version}`;
  return `/launch?template=${encodeURIComponent(reference)}`;
}
