// The page that holds the pictures: one empty body, our own script and styles, and a policy that lets nothing else
// load, run or be reached. The same for the editor and for `npm run view`.

interface PageParts {
  readonly policy: string;
  readonly nonce: string;
  /** Addresses of files in dist/webview/. */
  readonly script: string;
  readonly styles: string;
  readonly icons: string;
  readonly bodyClass: string;
  /** Theme variables where no editor provides them. */
  readonly themeStyles: string | undefined;
}

/** `source`: where our own files come from. Scripts run by nonce alone. */
export const policyOf = (source: string, nonce: string, connect: string): string =>
  [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${source}`,
    `font-src ${source}`,
    `connect-src ${connect}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, character => `&#${character.codePointAt(0)};`);

export function pageHtml(parts: PageParts): string {
  const href = (address: string): string => `href="${escaped(address)}"`;
  // The kit looks its icon sheet up by this id.
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escaped(parts.policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Wakechain</title>
${parts.themeStyles === undefined ? '' : `<link rel="stylesheet" ${href(parts.themeStyles)}>`}
<link rel="stylesheet" ${href(parts.icons)} id="vscode-codicon-stylesheet">
<link rel="stylesheet" ${href(parts.styles)}>
</head>
<body class="${escaped(parts.bodyClass)}">
<script nonce="${parts.nonce}" src="${escaped(parts.script)}"></script>
</body>
</html>
`;
}
