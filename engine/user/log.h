/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Messages to the operator, on standard error: one write(2) each, "devmap: " before it and a newline
 * after it.
 */
#ifndef DEVMAP_ENGINE_USER_LOG_H
#define DEVMAP_ENGINE_USER_LOG_H

#include <sys/types.h>

#define LOG_LINES_MAX 20 /* in ten seconds, of log_client() for a user */

void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/*
 * What a client of this user is the cause of: he can have only so much said, and later it is said how much
 * was kept back.
 */
void log_client(uid_t uid, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
