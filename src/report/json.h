/* report/json.h: JSON documents that name their schema. Values are jansson's.
 *
 * One thread at a time for one value.
 */
#ifndef NEAP_REPORT_JSON_H
#define NEAP_REPORT_JSON_H

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

/* An object whose first member is "schema", as "neap.compare/1". NULL if memory
 * is short. */
json_t *neap_json_document(const char *schema);

/* A string of any bytes: what is not UTF-8 becomes U+FFFD. */
json_t *neap_json_text(const char *text);

/* A whole number, and one as a member of `object`. Counts of bytes fit: 2^63 are more than there are. */
json_t *neap_json_number(uint64_t value);
void neap_json_set(json_t *object, const char *name, uint64_t value);

/* Prints the document, members in the order they were set, and a line feed;
 * takes the reference. Returns 0, or NEAP_ERROR_MEMORY for NULL, or
 * NEAP_ERROR_SYSTEM if it could not be written. */
int neap_json_print(json_t *document, FILE *stream);

/* Writes `value` as an element <script> that holds data, for a page's own code. 0 or
 * NEAP_ERROR_MEMORY. */
int neap_json_script(FILE *stream, const json_t *value);

#endif
