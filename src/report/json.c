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

int neap_json_print(json_t *document, FILE *stream) {
    enum { DIGITS = 9 };
    if (!document)
        return NEAP_ERROR_MEMORY;
    int failed = json_dumpf(document, stream, JSON_INDENT(2) | JSON_REAL_PRECISION(DIGITS));
    json_decref(document);
    return failed || putc('\n', stream) == EOF || fflush(stream) != 0 ? NEAP_ERROR_SYSTEM : 0;
}
