/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Starts a program by the function that is named, with another list of preloaded libraries, and ends as
 * it does: launch FUNCTION LIST PROGRAM A B.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int spawn(int (*f)(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
			  const posix_spawnattr_t *attr, char *const *argv, char *const *env),
		 char **argv)
{
	int status = -1;
	pid_t pid;

	if (f(&pid, argv[0], NULL, NULL, argv, environ) != 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

static int in_vfork(char **argv)
{
	const pid_t pid = vfork();
	int status = -1;

	if (pid == 0) {
		(void)execv(argv[0], argv);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

static int launch(const char *how, char **argv)
{
	if (strcmp(how, "execv") == 0)
		return execv(argv[0], argv);
	if (strcmp(how, "execvp") == 0)
		return execvp(argv[0], argv);
	if (strcmp(how, "execve") == 0)
		return execve(argv[0], argv, environ);
	if (strcmp(how, "execvpe") == 0)
		return execvpe(argv[0], argv, environ);
	if (strcmp(how, "execl") == 0)
		return execl(argv[0], argv[0], argv[1], argv[2], (char *)NULL);
	if (strcmp(how, "execlp") == 0)
		return execlp(argv[0], argv[0], argv[1], argv[2], (char *)NULL);
	if (strcmp(how, "execle") == 0)
		return execle(argv[0], argv[0], argv[1], argv[2], (char *)NULL, environ);
	if (strcmp(how, "fexecve") == 0)
		return fexecve(open(argv[0], O_RDONLY | O_CLOEXEC), argv, environ);
	if (strcmp(how, "execveat") == 0)
		return execveat(AT_FDCWD, argv[0], argv, environ, 0);
	if (strcmp(how, "posix_spawn") == 0)
		return spawn(posix_spawn, argv);
	if (strcmp(how, "posix_spawnp") == 0)
		return spawn(posix_spawnp, argv);
	if (strcmp(how, "vfork") == 0)
		return in_vfork(argv);
	return -1;
}

int main(int argc, char **argv)
{
	if (argc != 6 || setenv("LD_PRELOAD", argv[2], 1) != 0)
		return 2;
	return launch(argv[1], argv + 3) == 0 ? 0 : 1;
}
