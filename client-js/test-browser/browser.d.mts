import type { Page } from 'playwright-core';

export function openPage(): Promise<{ readonly page: Page; close(): Promise<void> }>;
