"""How plugins run: found and loaded one by one, built per instance, published into a pool, called through a guard."""
