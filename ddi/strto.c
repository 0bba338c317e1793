/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Numbers in text: ddi_strtol(9F), ddi_strtoul(9F) and those of 64 bits. */
#include <sys/errno.h>

#include "ddi.h"

struct number {
	bool negative;
	u_longlong_t value; /* without its sign */
	bool too_large;
};

/* As a digit of any base; 36: it is none. */
static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'Z' ? c - 'A' + 10 : 36;
}

static const char *skip_blanks(const char *s)
{
	while (*s == ' ' || (*s >= '\t' && *s <= '\r'))
		s++;
	return s;
}

/* Takes a 0x off the front where a digit follows, and finds out what base 0 means. */
static const char *skip_base(const char *s, int *base)
{
	bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && digit(s[2]) < 16;

	if (*base == 0)
		*base = hex ? 16 : s[0] == '0' ? 8 : 10;
	return hex && *base == 16 ? s + 2 : s;
}

/* Returns 0 or EINVAL. *end is str where there is no number. */
static int parse(const char *str, const char **end, int base, struct number *n)
{
	const char *s = skip_blanks(str);
	const char *first;

	*end = str;
	*n = (struct number){ .negative = *s == '-' };
	if (base < 0 || base == 1 || base > 36)
		return EINVAL;
	if (*s == '-' || *s == '+')
		s++;
	s = first = skip_base(s, &base);
	for (; digit(*s) < base; s++) {
		n->too_large = n->too_large ||
			       __builtin_mul_overflow(n->value, (u_longlong_t)base, &n->value) ||
			       __builtin_add_overflow(n->value, (u_longlong_t)digit(*s), &n->value);
	}
	if (s == first)
		return EINVAL;
	*end = s;
	return 0;
}

/* max: of a value without its sign, where it is negative and where it is not. */
static int convert(const char *str, char **endp, int base, u_longlong_t max_negative,
		   u_longlong_t max, u_longlong_t *result)
{
	struct number n;
	const char *end;
	int error = parse(str, &end, base, &n);

	if (endp != NULL)
		*endp = (char *)end;
	if (error != 0)
		return error;
	if (n.too_large || n.value > (n.negative ? max_negative : max))
		return ERANGE;
	*result = n.negative ? 0 - n.value : n.value;
	return 0;
}

int ddi_strtoul(const char *str, char **endp, int base, unsigned long *result)
{
	const u_longlong_t max = ~0UL;
	u_longlong_t value;
	int error = convert(str, endp, base, max, max, &value);

	if (error == 0)
		*result = (unsigned long)value;
	return error;
}

int ddi_strtol(const char *str, char **endp, int base, long *result)
{
	const u_longlong_t max = ~0UL >> 1;
	u_longlong_t value;
	int error = convert(str, endp, base, max + 1, max, &value);

	if (error == 0)
		*result = (long)value;
	return error;
}

int ddi_strtoull(const char *str, char **endp, int base, u_longlong_t *result)
{
	return convert(str, endp, base, ~0ULL, ~0ULL, result);
}

int ddi_strtoll(const char *str, char **endp, int base, longlong_t *result)
{
	const u_longlong_t max = ~0ULL >> 1;
	u_longlong_t value;
	int error = convert(str, endp, base, max + 1, max, &value);

	if (error == 0)
		*result = (longlong_t)value;
	return error;
}
