"""Requests say which copy is asked for. Those made before are for standard ones."""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'


def upgrade() -> None:
    # not in a batch: rebuilding the table would take the timelines that hang on it along
    op.add_column('requests', sa.Column('quality', sa.String(length=16), server_default='standard', nullable=False))


def downgrade() -> None:
    op.drop_column('requests', 'quality')
