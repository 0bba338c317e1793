/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* driver.conf(5): see conf.h. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "log.h"

#define SIZE_MAX_ (1024 * 1024) /* of a file */
#define WORD_MAX  1024		/* of a name, a number or a string */

enum token { END, WORD, STRING, EQUALS, COMMA, SEMICOLON, BAD };

struct reader {
	const char *path;
	const char *at;
	int line;
	enum token token; /* the one that was read last */
	int token_line;
	char word[WORD_MAX];
};

static int complain(const struct reader *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int complain(const struct reader *r, const char *fmt, ...)
{
	char text[WORD_MAX + 256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_warn("%s:%d: %s", r->path, r->token_line, text);
	return -EINVAL;
}

static void skip_blanks(struct reader *r)
{
	for (;;) {
		if (*r->at == '#')
			r->at += strcspn(r->at, "\n");
		if (!isspace((unsigned char)*r->at))
			return;
		r->line += *r->at++ == '\n';
	}
}

/* One more character of r->word, of which there are n. */
static bool keep(struct reader *r, size_t *n, char c)
{
	if (*n == WORD_MAX - 1)
		return false;
	r->word[(*n)++] = c;
	r->word[*n] = '\0';
	return true;
}

static enum token read_string(struct reader *r)
{
	size_t n = 0;

	r->word[0] = '\0';
	for (r->at++; *r->at != '"'; r->at++) {
		if (*r->at == '\\' && r->at[1] != '\0')
			r->at++;
		if (*r->at == '\0' || *r->at == '\n' || !keep(r, &n, *r->at))
			return BAD;
	}
	r->at++;
	return STRING;
}

static bool is_word(char c)
{
	return isgraph((unsigned char)c) && strchr("=,;\"#", c) == NULL;
}

static enum token read_word(struct reader *r)
{
	size_t n = 0;

	for (; is_word(*r->at); r->at++)
		if (!keep(r, &n, *r->at))
			return BAD;
	return n > 0 ? WORD : BAD;
}

static void next(struct reader *r)
{
	skip_blanks(r);
	r->token_line = r->line;
	switch (*r->at) {
	case '\0':
		r->token = END;
		return;
	case '=':
		r->token = EQUALS;
		break;
	case ',':
		r->token = COMMA;
		break;
	case ';':
		r->token = SEMICOLON;
		break;
	case '"':
		r->token = read_string(r);
		return;
	default:
		r->token = read_word(r);
		return;
	}
	r->at++;
}

/* A value: integers, or strings one behind the other. */
struct value {
	bool strings;
	size_t n;
	char *bytes;
	size_t len;
};

static int value_add(struct value *v, const void *bytes, size_t len)
{
	char *more = realloc(v->bytes, v->len + len);

	if (more == NULL)
		return -ENOMEM;
	memcpy(more + v->len, bytes, len);
	v->bytes = more;
	v->len += len;
	v->n++;
	return 0;
}

/* The token is one element of a value. */
static int read_element(struct reader *r, struct value *v)
{
	const bool string = r->token == STRING;
	int integer;

	if (r->token == BAD)
		return complain(r, "a string has no end, or a word is too long");
	if (r->token != WORD && !string)
		return complain(r, "a number or a \"string\" is missing behind '='");
	if (v->n > 0 && string != v->strings)
		return complain(r, "'%s': numbers and strings in one value", r->word);
	v->strings = string;
	if (string)
		return value_add(v, r->word, strlen(r->word) + 1);
	if (!prop_text_int(r->word, &integer))
		return complain(r, "'%s' is neither a number of 32 bits nor a \"string\"", r->word);
	return value_add(v, &integer, sizeof(integer));
}

static int read_value(struct reader *r, struct value *v)
{
	int error;

	do {
		next(r);
		error = read_element(r, v);
		if (error == 0)
			next(r);
	} while (error == 0 && r->token == COMMA);
	return error;
}

static bool name_ok(const char *name)
{
	return strpbrk(name, "@/\\:[]") == NULL && !isdigit((unsigned char)name[0]);
}

/* What is read of an entry. */
struct entry {
	struct prop *props;
	bool named;   /* it has a name, and so is an instance */
	int instance; /* -1: none is said */
};

static int only_string(const struct reader *r, const char *name, const struct value *v)
{
	return v->strings && v->n == 1 ? 0 : complain(r, "%s: one \"string\" is wanted", name);
}

/* name, parent, class and instance are the system's; all others are properties. */
static int take(const struct reader *r, struct entry *e, const char *name, const struct value *v)
{
	if (strcmp(name, "name") == 0) {
		e->named = true;
		return only_string(r, name, v);
	}
	if (strcmp(name, "parent") == 0 || strcmp(name, "class") == 0)
		return only_string(r, name, v);
	if (strcmp(name, "instance") == 0) {
		if (v->strings || v->n != 1)
			return complain(r, "instance: one number is wanted");
		memcpy(&e->instance, v->bytes, sizeof(e->instance));
		return e->instance >= 0 && e->instance < INSTANCES_MAX ?
			       0 :
			       complain(r, "instance=%d: a number below %d", e->instance,
					INSTANCES_MAX);
	}
	if (props_find(e->props, name) != NULL)
		return complain(r, "%s is given twice", name);
	return props_set_value(&e->props, name, v->n, v->strings, v->bytes, v->len);
}

/* NAME, or NAME=VALUE. The token behind it has been read then. */
static int read_item(struct reader *r, struct entry *e)
{
	struct value v = { .strings = false };
	char name[WORD_MAX];
	int error = 0;

	if (r->token != WORD || !name_ok(r->word))
		return complain(r,
				r->token == WORD ? "'%s' is no name of a property" :
				r->token == BAD	 ? "a string has no end, or a word is too long" :
						   "the name of a property is missing",
				r->word);
	(void)strcpy(name, r->word);
	next(r);
	if (r->token == EQUALS)
		error = read_value(r, &v);
	if (error == 0)
		error = take(r, e, name, &v);
	free(v.bytes);
	return error;
}

/* Up to its ';'. */
static int read_entry(struct reader *r, struct entry *e)
{
	const int line = r->token_line;
	int error = 0;

	while (error == 0 && r->token != SEMICOLON) {
		if (r->token == END) {
			r->token_line = line;
			return complain(r, "the entry that begins here has no ';'");
		}
		error = read_item(r, e);
	}
	if (error == 0)
		next(r);
	return error;
}

/* The properties of a global entry; the later one of a name counts. */
static int add_global(struct conf *conf, struct prop **props)
{
	struct prop **last = props;

	while (*last != NULL)
		last = &(*last)->next;
	*last = conf->props;
	conf->props = *props;
	*props = NULL;
	return 0;
}

static int add_node(const struct reader *r, struct conf *conf, struct entry *e, int line)
{
	struct conf_node **at = &conf->nodes, *n;
	int count = 0;

	for (; *at != NULL; at = &(*at)->next) {
		count++;
		if (e->instance >= 0 && (*at)->instance == e->instance) {
			log_warn("%s:%d: instance=%d is that of line %d", r->path, line,
				 e->instance, (*at)->line);
			return -EINVAL;
		}
	}
	if (count == INSTANCES_MAX) {
		log_warn("%s:%d: a driver has at most %d instances", r->path, line, INSTANCES_MAX);
		return -EINVAL;
	}
	n = calloc(1, sizeof(*n));
	if (n == NULL)
		return -ENOMEM;
	n->line = line;
	n->instance = e->instance;
	n->props = e->props;
	e->props = NULL;
	*at = n;
	return 0;
}

static int read_all(struct reader *r, struct conf *conf)
{
	int error = 0, line;

	next(r);
	while (error == 0 && r->token != END) {
		struct entry e = { .instance = -1 };

		line = r->token_line;
		error = read_entry(r, &e);
		if (error == 0)
			error = e.named ? add_node(r, conf, &e, line) : add_global(conf, &e.props);
		props_free(&e.props);
	}
	return error;
}

/* The file as a string, to be freed. NULL: *error says why. */
static char *read_file(const char *path, int *error)
{
	FILE *f = fopen(path, "re");
	char *text = f != NULL ? malloc(SIZE_MAX_ + 1) : NULL;
	size_t n;

	*error = -errno;
	if (text != NULL) {
		n = fread(text, 1, SIZE_MAX_ + 1, f);
		*error = ferror(f) ? -EIO : n > SIZE_MAX_ ? -EFBIG : 0;
		text[*error == 0 ? n : 0] = '\0';
		if (*error == 0 && strlen(text) != n)
			*error = -EINVAL;
	}
	if (f != NULL)
		(void)fclose(f);
	if (*error == 0)
		return text;
	free(text);
	return NULL;
}

int conf_read(const char *path, struct conf *conf)
{
	struct reader r = { .path = path, .line = 1 };
	char *text;
	int error;

	*conf = (struct conf){ .props = NULL };
	text = read_file(path, &error);
	if (text == NULL) {
		log_warn("%s: %s", path, error == -EINVAL ? "it is not text" : strerror(-error));
		return error;
	}
	r.at = text;
	error = read_all(&r, conf);
	if (error == -ENOMEM)
		log_warn("%s: no memory", path);
	free(text);
	if (error != 0)
		conf_free(conf);
	return error;
}

void conf_free(struct conf *conf)
{
	struct conf_node *n;

	props_free(&conf->props);
	while ((n = conf->nodes) != NULL) {
		conf->nodes = n->next;
		props_free(&n->props);
		free(n);
	}
}
