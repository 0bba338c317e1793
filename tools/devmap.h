/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The devmap command: one function for each of its subcommands. Each returns the exit status. */
#ifndef DEVMAP_TOOLS_DEVMAP_H
#define DEVMAP_TOOLS_DEVMAP_H

#define DEFAULT_DIR "/run/devmap"

int cmd_serve(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_metrics(int argc, char **argv);
int cmd_new(int argc, char **argv);
int cmd_set(int argc, char **argv);
int cmd_stop(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_trace(int argc, char **argv);

/*
 * Where devices are: --dir, else the environment's DEVMAP_DIR; else there are two places to look at,
 * $XDG_RUNTIME_DIR/devmap (not for root) and /run/devmap. The first is where they are made.
 */
struct device_dirs {
	unsigned n;
	const char *dir[2];
	char own[4096];
};
void device_dirs(struct device_dirs *dirs, const char *option);
/*
 * Of a command that has no options but --dir and --help: -1, and optind is behind them; else what to exit with.
 */
int only_dir_option(int argc, char **argv, const char *help, const char **dir);
/* The same path, right in every directory. 0 or -errno. */
int absolute(const char *path, char *buf, unsigned long len);
/*
 * From here on this process has a /dev of its own, with the devices of dirs under their names and aliases
 * (NAME=DEVICE,...). 0 or -errno, said.
 */
int private_dev(const struct device_dirs *dirs, const char *aliases);
/*
 * A file of this installation, found from where the program lies: "lib/libdevmap.so.0". 0 or -errno.
 */
int installed(const char *relative, char *buf, unsigned long len);
/*
 * Why ("is static") the client library cannot be loaded into a program, by the name under which it
 * would be executed; NULL: nothing is known against it. path: the file that the reason is about, which
 * is its interpreter if it is a script.
 */
const char *program_unreachable(const char *name, char *path, unsigned long len);

#endif
