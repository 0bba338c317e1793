/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Messages to the operator, on standard error: one write(2) each, "devmap: " before it and a newline
 * after it.
 */
#ifndef DEVMAP_ENGINE_USER_LOG_H
#define DEVMAP_ENGINE_USER_LOG_H

void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
