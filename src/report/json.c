/* report/json.c: JSON documents. */
#include "report/json.h"

#include <stdlib.h>

#include <neap/error.h>

#include "report/markup.h"

json_t *neap_json_document(const char *schema) {
    return json_pack("{s:s}", "schema", schema);
}

json_t *neap_json_text(const char *text) {
    char *valid = neap_markup_utf8(text);
    json_t *value = valid ? json_string(valid) : NULL;
    free(valid);
    return value;
}

json_t *neap_json_number(uint64_t value) {
    return json_integer((json_int_t)value);
}

void neap_json_set(json_t *object, const char *name, uint64_t value) {
    json_object_set_new(object, name, neap_json_number(value));
}

int neap_json_print(json_t *document, FILE *stream) {
    enum { DIGITS = 9 };
    if (!document)
        return NEAP_ERROR_MEMORY;
    int failed = json_dumpf(document, stream, JSON_INDENT(2) | JSON_REAL_PRECISION(DIGITS));
    json_decref(document);
    return failed || putc('\n', stream) == EOF || fflush(stream) != 0 ? NEAP_ERROR_SYSTEM : 0;
}

/* Escapes '<', so that no text looks like a tag. */
int neap_json_script(FILE *stream, const json_t *value) {
    enum { DIGITS = 6 };
    char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(DIGITS));
    if (!text)
        return NEAP_ERROR_MEMORY;
    fputs("<script type=\"application/json\">", stream);
    for (const char *at = text; *at; at++)
        if (*at == '<')
            fputs("\\u003c", stream);
        else
            putc(*at, stream);
    fputs("</script>\n", stream);
    free(text);
    return NEAP_OK;
}
