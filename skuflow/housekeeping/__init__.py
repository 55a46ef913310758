"""What is put in order behind runs that ended badly: jobs left behind, what a person must see, what nobody needs."""
