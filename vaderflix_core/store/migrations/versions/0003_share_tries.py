"""Shares that are wanted say how often they were tried, and when they are tried again."""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'


def upgrade() -> None:
    op.add_column('shares', sa.Column('tries', sa.Integer(), server_default='0', nullable=False))
    op.add_column('shares', sa.Column('retry_at', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column('shares', 'retry_at')
    op.drop_column('shares', 'tries')
