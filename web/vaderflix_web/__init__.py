"""The pages and the JSON API of Vader Flix, on Litestar."""
