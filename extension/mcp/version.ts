// The version of this program: written in by the build, absent when run from source.

declare const WAKECHAIN_VERSION: string | undefined;

export const version: string = typeof WAKECHAIN_VERSION === 'string' ? WAKECHAIN_VERSION : '0.0.0-source';
