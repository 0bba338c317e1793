// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Messages of drivers and about them: cmn_err(9F), dev_err(9F), ASSERT(9F), and mistakes (C26).
 *
 * They go to the kernel's log as "devmap: warning: xfb: ...": "WARNING:" in capitals would mean a
 * fault of the kernel to those who watch it. CE_CONT is a message of its own, since others write
 * too.
 *
 * CE_PANIC and a failed VERIFY() do not stop the machine: they end the thread, by BUG(), as an oops
 * does. What the thread held stays held. (panic(9F) is Linux's own, and does stop it.)
 */
#include "linux.h"

#include <sys/cmn_err.h>
#include <sys/debug.h>

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/kallsyms.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>

static const char *const levels[] = {
	[CE_CONT] = KERN_INFO "devmap: ",
	[CE_NOTE] = KERN_NOTICE "devmap: notice: ",
	[CE_WARN] = KERN_WARNING "devmap: warning: ",
	[CE_PANIC] = KERN_EMERG "devmap: panic: ",
};

/*
 * Ends this thread. Not told to the compiler: Linux's objtool, which checks the ends of functions,
 * knows from a list of its own which functions of other modules do not return.
 */
static void end_thread(void)
{
	static bool always = true;

	BUG_ON(READ_ONCE(always));
}

/* The kernel prints an address as "function [module]"; who is not in a module is in the kernel. */
void driver_of_code(const void *code, char *name, size_t size)
{
	char symbol[NODE_NAME_MAX + KSYM_NAME_LEN];
	char *open, *close;

	(void)snprintf(symbol, sizeof(symbol), "%ps", code);
	open = strrchr(symbol, '[');
	close = open != NULL ? strchr(open, ']') : NULL;
	if (close != NULL)
		*close = '\0';
	(void)snprintf(name, size, "%s", close != NULL ? open + 1 : "devmap");
}

/*
 * A client can make a driver, or the core, complain of each of its system calls. What ends a thread
 * is always said.
 */
static bool too_many(int level)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 100);

	return level != CE_PANIC && !___ratelimit(&limit, "devmap");
}

static void say(int level, const char *who, const char *text)
{
	/* Messages most often begin with the driver's name; then it is not said twice. */
	bool named = strncmp(text, who, strlen(who)) == 0;

	printk("%s%s%s%s\n", levels[level], named ? "" : who, named ? "" : ": ", text);
}

static __printf(3, 0) void vsay(int level, const char *who, const char *format, va_list ap)
{
	char *text;

	if (level < CE_CONT || level > CE_PANIC || too_many(level))
		return;
	/* To the log, to the console, when verbose: here there is one place. */
	if (format[0] == '!' || format[0] == '^' || format[0] == '?')
		format++;
	/* A message may be about anything, with any lock held. */
	text = kvasprintf(GFP_ATOMIC | __GFP_NOWARN, format, ap);
	if (text != NULL) {
		strim(text);
		if (text[0] != '\0' || level == CE_PANIC)
			say(level, who, text);
		kfree(text);
	} else {
		say(level, who, format);
	}
	BUG_ON(level == CE_PANIC);
}

void cmn_err(int level, const char *format, ...)
{
	char who[NODE_NAME_MAX];
	va_list ap;

	driver_of_code(CALLER(), who, sizeof(who));
	va_start(ap, format);
	vsay(level, who, format, ap);
	va_end(ap);
}
EXPORT_SYMBOL(cmn_err);

void vcmn_err(int level, const char *format, va_list ap)
{
	char who[NODE_NAME_MAX];

	driver_of_code(CALLER(), who, sizeof(who));
	vsay(level, who, format, ap);
}
EXPORT_SYMBOL(vcmn_err);

void dev_err(dev_info_t *dip, int level, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsay(level, dip->name, format, ap);
	va_end(ap);
}
EXPORT_SYMBOL(dev_err);

/* What was asserted is what the code after it relies on, so it does not run. */
void assfail(const char *what, const char *file, int line)
{
	char who[NODE_NAME_MAX];

	driver_of_code(CALLER(), who, sizeof(who));
	printk("%s%s: assertion failed: %s, at %s:%d\n", levels[CE_PANIC], who, what, file, line);
	end_thread();
}
EXPORT_SYMBOL(assfail);

void assfail3(const char *what, u_longlong_t left, const char *op, u_longlong_t right,
	const char *file, int line)
{
	char who[NODE_NAME_MAX];

	driver_of_code(CALLER(), who, sizeof(who));
	printk("%s%s: assertion failed: %s (0x%llx %s 0x%llx), at %s:%d\n", levels[CE_PANIC], who,
		what, left, op, right, file, line);
	end_thread();
}
EXPORT_SYMBOL(assfail3);

/* Mistakes. The places that have been told about; when it is full, so are we. */

#define PLACES	256

static atomic_long_t places[PLACES];

static bool first_time(const void *caller)
{
	long place = (long)caller, was;
	size_t i;

	for (i = 0; i < PLACES; i++) {
		was = atomic_long_cmpxchg(&places[((size_t)place + i) % PLACES], 0, place);
		if (was == 0)
			return true;
		if (was == place)
			return false;
	}
	return false;
}

/*
 * m goes, and another module, or the same one again, may come to stand where it stood. That a place
 * which was pushed behind one of these may be told about twice is no harm.
 */
void driver_mistakes_forget(const struct module *m)
{
	unsigned long place;
	size_t i;

	for (i = 0; i < PLACES; i++) {
		place = (unsigned long)atomic_long_read(&places[i]);
		if (place != 0 && within_module(place, m))
			atomic_long_set(&places[i], 0);
	}
}

static void mistake(int level, const void *caller, const char *call, struct va_format *text)
{
	char who[NODE_NAME_MAX];

	driver_of_code(caller, who, sizeof(who));
	printk("%s%s: %s: %pV\n", levels[level], who, call, text);
}

void driver_mistake(const void *caller, const char *call, const char *fmt, ...)
{
	struct va_format text = { .fmt = fmt };
	va_list ap;

	if (!first_time(caller))
		return;
	va_start(ap, fmt);
	text.va = &ap;
	mistake(CE_WARN, caller, call, &text);
	va_end(ap);
}

void driver_panic(const void *caller, const char *call, const char *fmt, ...)
{
	struct va_format text = { .fmt = fmt };
	va_list ap;

	va_start(ap, fmt);
	text.va = &ap;
	mistake(CE_PANIC, caller, call, &text);
	va_end(ap);
	end_thread();
}
