// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Where messages go (ddi/port.h): to the kernel's log as "devmap: warning: xfb: ...": "WARNING:" in
 * capitals would mean a fault of the kernel to those who watch it.
 *
 * CE_PANIC and a failed VERIFY() do not stop the machine: they end the thread, by BUG(), as an oops
 * does. What the thread held stays held. (panic(9F) is Linux's own, and does stop it.)
 */
#include "linux.h"

#include <linux/bug.h>
#include <linux/kallsyms.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>

static const char *const levels[] = {
	[PORT_LOG_CONT] = KERN_INFO "devmap: ",
	[PORT_LOG_NOTE] = KERN_NOTICE "devmap: notice: ",
	[PORT_LOG_WARN] = KERN_WARNING "devmap: warning: ",
	[PORT_LOG_PANIC] = KERN_EMERG "devmap: panic: ",
	[PORT_LOG_MISTAKE] = KERN_WARNING "devmap: warning: ",
	[PORT_LOG_LAST] = KERN_EMERG "devmap: panic: ",
};

/*
 * Not told to the compiler: Linux's objtool, which checks the ends of functions, knows from a list
 * of its own which functions of other modules do not return.
 */
void port_end(void)
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
 * is always said, and mistakes are said once anyway.
 */
static bool too_many(enum port_log kind)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 100);

	return kind < PORT_LOG_PANIC && !___ratelimit(&limit, "devmap");
}

void port_log(enum port_log kind, const char *fmt, ...)
{
	struct va_format text = { .fmt = fmt };
	va_list ap;

	if (too_many(kind))
		return;
	va_start(ap, fmt);
	text.va = &ap;
	printk("%s%pV\n", levels[kind], &text);
	va_end(ap);
}

char *port_vformat(const char *fmt, va_list ap)
{
	return kvasprintf(GFP_ATOMIC | __GFP_NOWARN, fmt, ap);
}

void port_text_free(char *text)
{
	kfree(text);
}

static bool code_of_module(uintptr_t code, const void *m)
{
	return within_module(code, m);
}

/* m goes, and another module, or the same one again, may come to stand where it stood. */
void driver_mistakes_forget(const struct module *m)
{
	mistakes_forget(code_of_module, m);
}
