/* containers/stream/stream_reader.h: functions of readers that only the files of this module call. */
#ifndef NEAP_CONTAINERS_STREAM_STREAM_READER_H
#define NEAP_CONTAINERS_STREAM_STREAM_READER_H

#include <neap/stream.h>

/* As neap_stream_reader_read, but the reader stays before the copied bytes. */
size_t neap__stream_reader_copy(struct neap_stream_reader *reader, void *buffer, size_t bytes);

/* Moves past `bytes`, even if they have been overwritten meanwhile. */
void neap__stream_reader_skip(struct neap_stream_reader *reader, size_t bytes);

#endif
