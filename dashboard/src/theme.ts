import { type ThemeConfig, theme } from "antd";
import { useSyncExternalStore } from "react";

const DARK = "(prefers-color-scheme: dark)";

const shared: NonNullable<ThemeConfig["token"]> = {
  borderRadius: 8,
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif",
  controlOutlineWidth: 3,
};

// antd's secondary text colours have a contrast below 4.5 : 1; these reach it on cards and on the page.
const light: ThemeConfig = {
  algorithm: theme.defaultAlgorithm,
  token: {
    ...shared,
    colorPrimary: "#0f6f67",
    colorBgSpotlight: "#262626", // of tooltips; opaque, so that long ones are legible
    colorInfo: "#0f6f67",
    colorLink: "#0b625b",
    colorLinkHover: "#094a45",
    colorError: "#c4281c",
    colorWarning: "#b45309",
    colorSuccess: "#12713a",
    colorPrimaryBg: "#e2f3f0",
    colorPrimaryBgHover: "#d3ece8",
    colorPrimaryBorder: "#8fc9c1",
    colorSuccessBg: "#e6f5ea",
    colorSuccessBorder: "#a9d8b8",
    colorWarningBg: "#fdf1e0",
    colorWarningBorder: "#f0c894",
    colorErrorBg: "#fdebe9",
    colorErrorBorder: "#f2b5af",
    colorInfoBg: "#e2f3f0",
    colorInfoBorder: "#8fc9c1",
    colorBgLayout: "#f3f6f6",
    colorTextBase: "#14201f",
    colorTextSecondary: "#44514f",
    colorTextTertiary: "#56625f",
    colorTextPlaceholder: "#5f6b69",
  },
};

const dark: ThemeConfig = {
  algorithm: theme.darkAlgorithm,
  token: {
    ...shared,
    colorPrimary: "#12837a",
    colorInfo: "#5fd6c8",
    colorLink: "#5fd6c8",
    colorLinkHover: "#93e8dd",
    colorError: "#ff7a70",
    colorWarning: "#f0a94a",
    colorSuccess: "#5cc98a",
    colorPrimaryBg: "#143733",
    colorPrimaryBgHover: "#184540",
    colorPrimaryBorder: "#1f5e57",
    colorSuccessBg: "#12301f",
    colorSuccessBorder: "#1f5a38",
    colorWarningBg: "#35260f",
    colorWarningBorder: "#6b4a16",
    colorErrorBg: "#3a1916",
    colorErrorBorder: "#742c26",
    colorInfoBg: "#143733",
    colorInfoBorder: "#1f5e57",
    colorBgBase: "#0e1514",
    colorBgLayout: "#0c1211",
    colorBgContainer: "#141c1b",
    colorBgElevated: "#1c2625",
    colorBorder: "#43504e",
    colorBorderSecondary: "#26312f",
    colorTextBase: "#e8efee",
    colorTextSecondary: "#b9c5c3",
    colorTextTertiary: "#a3b1ae",
    colorTextPlaceholder: "#97a5a2",
  },
  components: {
    Button: { colorErrorText: "#ff9a92" },
    Menu: { itemSelectedColor: "#8ee6da" },
  },
};

export function themeFor(isDark: boolean): ThemeConfig {
  return isDark ? dark : light;
}

/** Whether the system prefers a dark colour scheme; updates when that changes. */
export function useDark(): boolean {
  return useMedia(DARK);
}

/** Whether the window is too narrow for tables and side-by-side layouts. */
export function useNarrow(): boolean {
  return useMedia("(max-width: 767px)");
}

export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (changed) => {
      const list = matchMedia(query);
      list.addEventListener("change", changed);
      return () => list.removeEventListener("change", changed);
    },
    () => matchMedia(query).matches,
  );
}
