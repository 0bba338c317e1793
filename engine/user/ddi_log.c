/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Where messages go (ddi/port.h): to the operator, as all that the engine says. */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <sys/cmn_err.h>

#include "devinfo.h"
#include "log.h"

static const char *const words[] = {
	[PORT_LOG_CONT] = "",	      [PORT_LOG_NOTE] = "NOTICE: ", [PORT_LOG_WARN] = "WARNING: ",
	[PORT_LOG_PANIC] = "panic: ", [PORT_LOG_MISTAKE] = "",	    [PORT_LOG_LAST] = "",
};

void port_end(void)
{
	abort();
}

void driver_of_code(const void *code, char *name, size_t size)
{
	const struct driver *d = NULL;
	Dl_info info;

	(void)pthread_mutex_lock(&drivers_lock);
	if (dladdr(code, &info) != 0)
		for (d = drivers; d != NULL && d->base != info.dli_fbase; d = d->next)
			;
	(void)snprintf(name, size, "%s", d != NULL ? d->name : "devmap");
	(void)pthread_mutex_unlock(&drivers_lock);
}

char *port_vformat(const char *fmt, va_list ap)
{
	char *text;

	return vasprintf(&text, fmt, ap) < 0 ? NULL : text;
}

void port_text_free(char *text)
{
	free(text);
}

static void vlog(enum port_log kind, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void vlog(enum port_log kind, const char *fmt, va_list ap)
{
	char *text = port_vformat(fmt, ap);

	if (kind >= PORT_LOG_WARN)
		log_warn("%s%s", words[kind], text != NULL ? text : fmt);
	else
		log_info("%s%s", words[kind], text != NULL ? text : fmt);
	free(text);
}

void port_log(enum port_log kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(kind, fmt, ap);
	va_end(ap);
}

/* Linux has a panic() of its own, so the kernel engine has none. */
void panic(const char *format, ...)
{
	char who[DRIVER_NAME_MAX];
	va_list ap;

	driver_of_code(CALL_SITE(), who, sizeof(who));
	va_start(ap, format);
	driver_vsay(CE_PANIC, who, format, ap);
	va_end(ap);
	abort();
}
