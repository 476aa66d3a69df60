// What the editor gives its pages, where no editor is: the values of VS Code's own Dark Modern and Light Modern themes
// and of its high-contrast pair, for the variables that the webview uses.

export interface Theme {
  readonly name: string;
  readonly bodyClass: string;
  readonly colours: Readonly<Record<string, string>>;
}

const DARK: Theme = {
  name: 'dark',
  bodyClass: 'vscode-dark',
  colours: {
    'editor-background': '#1f1f1f',
    'sideBar-background': '#181818',
    foreground: '#cccccc',
    descriptionForeground: '#9d9d9d',
    'panel-border': '#2b2b2b',
    focusBorder: '#0078d4',
    'textLink-foreground': '#4daafc',
    'textLink-activeForeground': '#4daafc',
    'list-activeSelectionBackground': '#04395e',
    'list-activeSelectionForeground': '#ffffff',
    'list-hoverBackground': '#2a2d2e',
    'editorWidget-background': '#202020',
    'editorWidget-border': '#454545',
    'editorHoverWidget-background': '#202020',
    'editorHoverWidget-foreground': '#cccccc',
    'editorHoverWidget-border': '#454545',
    'input-background': '#313131',
    'input-foreground': '#cccccc',
    'input-placeholderForeground': '#989898',
    'settings-textInputBorder': '#3c3c3c',
    'settings-dropdownBackground': '#313131',
    'settings-dropdownForeground': '#cccccc',
    'settings-dropdownBorder': '#3c3c3c',
    'settings-dropdownListBorder': '#454545',
    'dropdown-foreground': '#cccccc',
    'icon-foreground': '#cccccc',
    'toolbar-hoverBackground': 'rgb(90 93 94 / 31%)',
    'editorWarning-foreground': '#cca700',
    errorForeground: '#f85149',
    'editor-findMatchHighlightBackground': '#ea5c00',
    'scrollbarSlider-background': 'rgb(121 121 121 / 40%)',
  },
};

const LIGHT: Theme = {
  name: 'light',
  bodyClass: 'vscode-light',
  colours: {
    'editor-background': '#ffffff',
    'sideBar-background': '#f8f8f8',
    foreground: '#3b3b3b',
    descriptionForeground: '#616161',
    'panel-border': '#e5e5e5',
    focusBorder: '#005fb8',
    'textLink-foreground': '#005fb8',
    'textLink-activeForeground': '#005fb8',
    'list-activeSelectionBackground': '#e8e8e8',
    'list-activeSelectionForeground': '#000000',
    'list-hoverBackground': '#f2f2f2',
    'editorWidget-background': '#f8f8f8',
    'editorWidget-border': '#c8c8c8',
    'editorHoverWidget-background': '#f8f8f8',
    'editorHoverWidget-foreground': '#3b3b3b',
    'editorHoverWidget-border': '#c8c8c8',
    'input-background': '#ffffff',
    'input-foreground': '#3b3b3b',
    'input-placeholderForeground': '#767676',
    'settings-textInputBorder': '#cecece',
    'settings-dropdownBackground': '#ffffff',
    'settings-dropdownForeground': '#3b3b3b',
    'settings-dropdownBorder': '#cecece',
    'settings-dropdownListBorder': '#c8c8c8',
    'dropdown-foreground': '#3b3b3b',
    'icon-foreground': '#3b3b3b',
    'toolbar-hoverBackground': 'rgb(184 184 184 / 31%)',
    'editorWarning-foreground': '#895503',
    errorForeground: '#c72e0f',
    'editor-findMatchHighlightBackground': '#ea5c00',
    'scrollbarSlider-background': 'rgb(100 100 100 / 40%)',
  },
};

const HIGH_CONTRAST: Theme = {
  name: 'high-contrast',
  bodyClass: 'vscode-high-contrast',
  colours: {
    ...DARK.colours,
    'editor-background': '#000000',
    'sideBar-background': '#000000',
    foreground: '#ffffff',
    descriptionForeground: '#ffffff',
    'panel-border': '#6fc3df',
    focusBorder: '#f38518',
    contrastBorder: '#6fc3df',
    contrastActiveBorder: '#f38518',
    'textLink-foreground': '#21a6ff',
    'list-activeSelectionBackground': '#000000',
    'list-hoverBackground': '#000000',
    'editorWidget-background': '#0c141f',
    'editorWidget-border': '#6fc3df',
    'editorHoverWidget-background': '#0c141f',
    'editorHoverWidget-foreground': '#ffffff',
    'editorHoverWidget-border': '#6fc3df',
    'input-background': '#000000',
    'input-foreground': '#ffffff',
    'settings-textInputBorder': '#6fc3df',
    'settings-dropdownBackground': '#000000',
    'settings-dropdownForeground': '#ffffff',
    'settings-dropdownBorder': '#6fc3df',
    'icon-foreground': '#ffffff',
    'editorWarning-foreground': '#ffd370',
  },
};

const HIGH_CONTRAST_LIGHT: Theme = {
  name: 'high-contrast-light',
  bodyClass: 'vscode-high-contrast-light',
  colours: {
    ...LIGHT.colours,
    'editor-background': '#ffffff',
    'sideBar-background': '#ffffff',
    foreground: '#292929',
    descriptionForeground: '#292929',
    'panel-border': '#0f4a85',
    focusBorder: '#006bbd',
    contrastBorder: '#0f4a85',
    contrastActiveBorder: '#006bbd',
    'textLink-foreground': '#0f4a85',
    'list-activeSelectionBackground': '#ffffff',
    'list-hoverBackground': '#ffffff',
    'settings-textInputBorder': '#0f4a85',
    'settings-dropdownBorder': '#0f4a85',
    'editorWidget-border': '#0f4a85',
    'editorHoverWidget-border': '#0f4a85',
  },
};

export const THEMES: readonly [Theme, ...Theme[]] = [DARK, LIGHT, HIGH_CONTRAST, HIGH_CONTRAST_LIGHT];

export function themeCss(theme: Theme): string {
  const lines = Object.entries(theme.colours).map(([name, value]) => `  --vscode-${name}: ${value};`);
  return `:root {
${lines.join('\n')}
  --vscode-font-family: system-ui, "Segoe UI", "Ubuntu", "DejaVu Sans", sans-serif;
  --vscode-font-size: 13px;
  --vscode-editor-font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  --vscode-editor-font-size: 12px;
}
`;
}
