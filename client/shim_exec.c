/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * exec(3) and posix_spawn(3). Where the library was preloaded, and a program preloads something else for
 * the next one, as `env LD_PRELOAD=libjemalloc.so.2 PROGRAM` does, the list begins with us again: some
 * libraries leave nothing of mmap(2) to those behind them. A list that is empty, or is not there, is meant
 * so.
 *
 * After vfork(2) this is a guest in its parent's memory: what is made here lies on the stack.
 */
#include <alloca.h>
#include <dlfcn.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"

#define LIST	    "LD_PRELOAD="
#define SEPARATORS  ": "
#define ENTRIES_MAX 16384 /* of an environment: more is left alone */

static const char *self; /* as the list names us; NULL: it does not */

/* Is the first word of the list ours? */
static bool begins_with(const char *list, const char *path)
{
	size_t n;

	list += strspn(list, SEPARATORS);
	n = strcspn(list, SEPARATORS);
	return strlen(path) == n && memcmp(list, path, n) == 0;
}

void exec_init(void)
{
	const char *list = secure_getenv("LD_PRELOAD");
	Dl_info info;

	if (list == NULL || dladdr(&self, &info) == 0)
		return;
	for (; *list != '\0' && self == NULL; list += strcspn(list, SEPARATORS)) {
		list += strspn(list, SEPARATORS);
		if (begins_with(list, info.dli_fname))
			self = strdup(info.dli_fname);
	}
}

/* Which entry has a list that is not as it should be? Its index, or -1; *n: of entries, with the NULL. */
static int wrong_list(char *const *env, size_t *n)
{
	int found = -1;
	size_t i;

	if (likely(self == NULL) || env == NULL)
		return -1;
	for (i = 0; env[i] != NULL && i < ENTRIES_MAX; i++) {
		const char *list = env[i] + sizeof(LIST) - 1;

		if (found < 0 && strncmp(env[i], LIST, sizeof(LIST) - 1) == 0 &&
		    list[strspn(list, SEPARATORS)] != '\0' && !begins_with(list, self))
			found = (int)i;
	}
	*n = i + 1;
	return i < ENTRIES_MAX ? found : -1;
}

/* The environment again, with its list made right. */
static char *const *mend(char **to, char *text, char *const *env, size_t n, int wrong)
{
	memcpy(to, env, n * sizeof(*env));
	strcpy(text, LIST);
	strcat(text, self);
	strcat(text, ":");
	strcat(text, env[wrong] + sizeof(LIST) - 1);
	to[wrong] = text;
	return to;
}

/* On the stack of whoever says it. A name that stands there twice is loaded once. */
#define MENDED(env)                                                                              \
	({                                                                                       \
		char *const *env_ = (env);                                                       \
		size_t n_;                                                                       \
		const int wrong_ = wrong_list(env_, &n_);                                        \
                                                                                                 \
		likely(wrong_ < 0) ?                                                             \
			env_ :                                                                   \
			mend(alloca(n_ * sizeof(*env_)),                                         \
			     alloca(strlen(env_[wrong_]) + strlen(self) + 2), env_, n_, wrong_); \
	})

EXPORT int execve(const char *path, char *const *argv, char *const *env)
{
	return REAL(execve)(path, argv, MENDED(env));
}

EXPORT int execvpe(const char *file, char *const *argv, char *const *env)
{
	return REAL(execvpe)(file, argv, MENDED(env));
}

EXPORT int fexecve(int fd, char *const *argv, char *const *env)
{
	return REAL(fexecve)(fd, argv, MENDED(env));
}

EXPORT int execveat(int dirfd, const char *path, char *const *argv, char *const *env, int flags)
{
	return REAL(execveat)(dirfd, path, argv, MENDED(env), flags);
}

EXPORT int execv(const char *path, char *const *argv)
{
	char *const *env = MENDED(environ);

	return env == environ ? REAL(execv)(path, argv) : execve(path, argv, env);
}

EXPORT int execvp(const char *file, char *const *argv)
{
	char *const *env = MENDED(environ);

	return env == environ ? REAL(execvp)(file, argv) : execvpe(file, argv, env);
}

/* How many arguments there are, with the NULL. */
static size_t count(const char *first, va_list ap)
{
	size_t n = 1;

	for (const char *arg = first; arg != NULL; arg = va_arg(ap, const char *))
		n++;
	return n;
}

static char **collect(char **argv, const char *first, va_list ap)
{
	size_t n = 0;

	argv[0] = (char *)first;
	while (argv[n] != NULL)
		argv[++n] = va_arg(ap, char *);
	return argv;
}

/* Of execl() and its like: after it ap stands behind the NULL. */
#define COLLECTED(first, ap)                                     \
	({                                                       \
		va_list ap_;                                     \
		size_t n_;                                       \
                                                                 \
		va_copy(ap_, ap);                                \
		n_ = count(first, ap_);                          \
		va_end(ap_);                                     \
		collect(alloca(n_ * sizeof(char *)), first, ap); \
	})

EXPORT int execl(const char *path, const char *first, ...)
{
	va_list ap;
	char **argv;

	va_start(ap, first);
	argv = COLLECTED(first, ap);
	va_end(ap);
	return execv(path, argv);
}

EXPORT int execlp(const char *file, const char *first, ...)
{
	va_list ap;
	char **argv;

	va_start(ap, first);
	argv = COLLECTED(first, ap);
	va_end(ap);
	return execvp(file, argv);
}

EXPORT int execle(const char *path, const char *first, ...)
{
	va_list ap;
	char **argv, *const *env;

	va_start(ap, first);
	argv = COLLECTED(first, ap);
	env = va_arg(ap, char *const *);
	va_end(ap);
	return execve(path, argv, env);
}

EXPORT int posix_spawn(pid_t *restrict pid, const char *restrict path,
		       const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *restrict attr, char *const *restrict argv,
		       char *const *restrict env)
{
	return REAL(posix_spawn)(pid, path, actions, attr, argv, MENDED(env));
}

EXPORT int posix_spawnp(pid_t *restrict pid, const char *restrict file,
			const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *restrict attr, char *const *restrict argv,
			char *const *restrict env)
{
	return REAL(posix_spawnp)(pid, file, actions, attr, argv, MENDED(env));
}
